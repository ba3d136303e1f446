/** Tests of a program: `import { runProgram } from "slipway/testing"`. */
export type { ReleasePlan } from "../plan/release-plan";
export type { Registered } from "./record";
export type { FakeImage, FakeRegistries } from "./registries";
export { type FakeWorld, type RanProgram, runProgram } from "./run-program";
