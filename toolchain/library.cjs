// What `import { Release } from "slipway"` loads.
module.exports = require("./load.cjs").load("components/index.ts");
