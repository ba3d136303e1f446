import * as pulumi from "@pulumi/pulumi";

/**
 * An error that is for a person: its message alone. A stack would also cost half a minute, since the SDK inspects every
 * error in colour, and Node 20 loops over frames below `node_modules` there until a string is too long.
 */
export function runError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  error.stack = message;
  return error;
}
