import { FilterError } from './errors.ts';
import { type Path, scanPath } from './path.ts';
import { Scanner } from './scanner.ts';

/**
 * Paths with commas between them.
 * @throws FilterError
 */
export function parsePaths(text: string, max: number): Path[] {
  const scanner = new Scanner(text);
  const paths: Path[] = [];
  do {
    scanner.blanks();
    if (paths.length === max) throw new FilterError('too-many-paths', scanner.at, `expected at most ${max} paths`);
    paths.push(scanPath(scanner));
    scanner.blanks();
  } while (scanner.eat(','));
  if (!scanner.done) throw scanner.unexpected('"," or the end');
  return paths;
}
