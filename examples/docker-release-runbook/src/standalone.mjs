import { mkdirSync } from "node:fs";
import { start } from "./server.mjs";

mkdirSync("/data", { recursive: true });
start();
