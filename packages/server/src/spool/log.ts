/** How the spool tells its operator what it does. */
export interface SpoolLog {
  info(members: object, message: string): void;
  warn(members: object, message: string): void;
  error(members: object, message: string): void;
}
