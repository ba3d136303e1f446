// What `import { runProgram } from "slipway/testing"` loads.
module.exports = require("./load.cjs").load("src/testing/index.ts");
