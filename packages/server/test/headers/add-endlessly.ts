/** Adds headers to the store of the directory that is its argument, and writes the height after each batch. */
import { HeaderStore } from '../../src/headers/header-store.ts';
import { bytesOf, mineBranch, PIN, START } from './chain.ts';

const LENGTH = 50;

const store = new HeaderStore(process.argv[2] ?? '', 'regtest', PIN);
for (let hash = PIN.hash, time = START; ; time += LENGTH * 600) {
  const blocks = mineBranch(hash, LENGTH, { time });
  const { tip } = store.add(bytesOf(blocks), (time + LENGTH * 600) * 1000);
  if (tip === undefined) break;
  hash = tip.hash;
  process.stdout.write(`${tip.height}\n`);
}
