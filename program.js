// What Pulumi.yaml names: index.ts, bundled. Types are checked by `npm run check`, not at every preview. It stands here
// because Pulumi runs a program in the folder of the file that it names.
module.exports = require("./toolchain/load.cjs").load("index.ts");
