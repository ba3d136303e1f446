import type { EnvironmentConfig, LiveRepository, SetupConfig } from "../../src/plan/setup/config";
import { EMPTY_REPOSITORY } from "../../src/testing/run-program";

/** A setup of `octo/app` that asks for nothing, with what a test names. */
export function aSetup(over: Partial<SetupConfig> = {}): SetupConfig {
  return {
    repository: "octo/app",
    writeDelayMs: 1,
    secrets: {},
    variables: {},
    environments: {},
    labels: [],
    files: [],
    pullRequest: false,
    workflowFiles: false,
    ...over,
  };
}

/** An environment without rules, with what a test names. */
export function anEnvironment(over: Partial<EnvironmentConfig> = {}): EnvironmentConfig {
  return {
    reviewers: [],
    waitTimer: 0,
    preventSelfReview: false,
    adminsBypass: true,
    tags: [],
    branches: [],
    secrets: {},
    variables: {},
    ...over,
  };
}

/** A repository with nothing in it, with what a test names. */
export function aRepository(over: Partial<LiveRepository> = {}): LiveRepository {
  return {
    ...EMPTY_REPOSITORY,
    mergedFiles: over.files ?? {},
    ...over,
  };
}
