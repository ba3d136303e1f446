// What `import { Release } from "slipway"` loads.
module.exports = require("./toolchain/load.cjs").load("components/index.ts");
