import * as pulumi from "@pulumi/pulumi";

/**
 * An error without a stack trace, for the user to read. A trace would also cost half a minute: the SDK inspects every
 * error in colour, which is very slow in Node 20 for frames below `node_modules`.
 */
export function runError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}
