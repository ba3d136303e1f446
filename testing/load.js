// What `import { runProgram } from "slipway/testing"` loads.
module.exports = require("../toolchain/load.cjs").load("testing/index.ts");
