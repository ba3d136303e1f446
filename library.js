// Slipway's components, for programs of one's own: require("slipway/components").
module.exports = require("./toolchain/load.cjs").load("components/index.ts");
