/** Access as on a loopback bind where every stream is public. */
import { Readers } from '../../src/access/readers.ts';
import { Access } from '../../src/http/access.ts';

export function openAccess(adminToken: string): Access {
  const readers = new Readers([], Date.now);
  return new Access({ loopback: true, publicUrl: undefined, adminToken, readers, corsOrigins: [], visible: new Map() });
}
