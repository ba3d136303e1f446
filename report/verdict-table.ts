import Table from "cli-table3";
import pc from "picocolors";
import { shortDigest } from "../plan/digest";
import type { Verdict } from "../plan/trust";

/** What was verified where, and every reason against it, for a terminal. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const table = new Table({
    head: ["repository", "digest", "verdict", "signed"],
    style: { head: [], border: [] },
  });
  for (const { repository, digest, verified, predicates } of verdicts) {
    table.push([
      repository,
      shortDigest(digest),
      verified ? pc.green("verified") : pc.red("refused"),
      predicates.join("\n") || "nothing",
    ]);
  }
  return [table.toString(), ...verdicts.flatMap(factLines), ""].join("\n");
}

/** With the whole digest, for whoever wants to use what was verified. */
function factLines({ repository, digest, signer, madeAt, problems }: Verdict): string[] {
  const facts = [
    ...(signer === undefined ? [] : [`signed by ${signer}`]),
    ...(madeAt === undefined ? [] : [`made at ${madeAt.time} (${madeAt.from})`]),
  ];
  return [
    ...(facts.length === 0 ? [] : [`${repository}@${digest}: ${facts.join(", ")}`]),
    ...problems.map(({ path, code, message }) => pc.red(`${path}: ${message} [${code}]`)),
  ];
}
