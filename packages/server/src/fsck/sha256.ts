import { hash } from 'node:crypto';
import type { Sha256 } from '@tidemark/proof';

/** By way of latin1 text, the cheapest form in which Node gives a digest: 0.9 µs in place of 2 µs for a Buffer. */
export const nativeSha256: Sha256 = (data) => Buffer.from(hash('sha256', data, 'latin1'), 'latin1');
