"use strict";
// What Pulumi.yaml names: runs the program by tsx, whichever options the Node.js language host understands.
require("tsx/cjs");
module.exports = require("./index.ts");
