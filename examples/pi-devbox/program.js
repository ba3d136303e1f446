// What Pulumi.yaml names: Slipway's program. In a repository of your own: require("slipway/program.js").
module.exports = require("../../program.js");
