/** A process that indexes and embeds until it is killed: `indexing-process.ts DIR`. It says a line after every commit. */
import { HashEmbedder, NEVER, Opened, SEARCHED } from './world.ts';

const DIMENSIONS = 8;
const index = new Opened(process.argv[2]!, SEARCHED, DIMENSIONS, new HashEmbedder());
while (index.indexer.step()) process.stdout.write('indexed\n');
const order = { batchTag: 't', ranges: [{ stream: 'notes', start: 0, end: index.indexer.next('notes') }] };
await index.batches.run(order, NEVER, () => process.stdout.write('embedded\n'));
process.stdout.write('done\n');
index.close();
