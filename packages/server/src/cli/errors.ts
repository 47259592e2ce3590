export const FAILURE = 1;
export const MISUSE = 2;

/** A command that cannot go on, with the exit code that says so. */
export class CliError extends Error {
  readonly exitCode: typeof FAILURE | typeof MISUSE;

  constructor(exitCode: CliError['exitCode'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}
