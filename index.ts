import { release } from "./components";

/** Reads the stack's configuration, plans the release, carries it out, and puts out what exists afterwards. */
module.exports = async () => ({ ...(await release()) });
