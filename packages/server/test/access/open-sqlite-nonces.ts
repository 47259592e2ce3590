/** For the processes that race in `nonce-contract.ts`. */
import { SqliteNonces } from '../../src/access/sqlite-nonces.ts';

export const open = (dataDir: string): SqliteNonces => new SqliteNonces(dataDir);
