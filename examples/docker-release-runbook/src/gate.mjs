// The core gate: the service has to answer before it is released.
import { once } from "node:events";
import { start } from "./server.mjs";

const server = start(0);
await once(server, "listening");
const answer = await fetch(`http://127.0.0.1:${server.address().port}/`);
server.close();
if (!answer.ok) {
  console.error(`the service answered ${answer.status}`);
  process.exit(1);
}
console.log("core gate passed");
