import { program } from "./components";

/** Reads the stack's configuration, plans, carries it out, and puts out what exists afterwards: a release or a setup. */
module.exports = async () => ({ ...(await program()) });
