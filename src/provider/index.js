// Starts the provider. Where the engine finds no executable (Windows), it runs this by PulumiPlugin.yaml.
require("../../toolchain/load.cjs").load("src/provider/main.ts").main(process.argv.slice(2));
