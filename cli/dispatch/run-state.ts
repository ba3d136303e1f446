/** A run as it is now, in what people see of it. */
export interface RunState {
  readonly id: number;
  readonly url: string;
  /** What it is called in the list of runs. */
  readonly title: string;
  readonly status: string;
  /** Set once the status is `completed`. */
  readonly conclusion?: string;
  readonly jobs: readonly JobState[];
}

export interface JobState {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly status: string;
  readonly conclusion?: string;
  /** ISO 8601. */
  readonly startedAt?: string;
  readonly completedAt?: string;
  readonly steps: readonly StepState[];
}

export interface StepState {
  readonly number: number;
  readonly name: string;
  readonly status: string;
  readonly conclusion?: string;
  readonly startedAt?: string;
  readonly completedAt?: string;
}
