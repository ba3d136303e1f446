// What Pulumi.yaml names: index.ts, bundled. Types are checked by `npm run check`, not at every preview.
module.exports = require("./toolchain/load.cjs").load("index.ts");
