import { createServer } from "node:http";

export function start(port = 3001) {
  return createServer((_, response) => response.end("aionis\n")).listen(port);
}

if (process.argv[1] === import.meta.filename) start();
