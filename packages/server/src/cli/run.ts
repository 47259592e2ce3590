/** How a command hands its work to the program: a promise of the exit code. */
export type Run = (work: Promise<number>) => void;
