/** A version with generations of its ancestors: what of a bundle never changes, kept as text for as long as there is room. */
import { CatalogError } from './errors.ts';
import type { Placed } from './proven.ts';
import type { Version, Versions } from './versions.ts';

export interface Ancestry {
  /** The target first, then generation by generation. */
  versions: readonly Placed[];
  /** JSON text of `edges`, `manifests` and `frontier`. */
  edges: string;
  manifests: string;
  frontier: string;
}

/** A rollup has all of its packets as parents, and a bundle has to end somewhere. */
const MAX_VERSIONS = 1001;
/** With all of them present, a bundle ends with the manifest that goes beyond this. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
/** What a version takes beside its manifest, roughly. */
const VERSION_BYTES = 600;

export class Ancestries {
  readonly #versions: Versions;
  readonly #maxBytes: number;
  readonly #kept = new Map<string, { ancestry: Ancestry; bytes: number }>();
  #bytes = 0;

  /** @param maxBytes that are kept in memory */
  constructor(versions: Versions, maxBytes: number) {
    this.#versions = versions;
    this.#maxBytes = maxBytes;
  }

  /** @throws CatalogError `incomplete-lineage` */
  of(target: Version, depth: number): Ancestry {
    const key = `${target.versionId}:${depth}`;
    const known = this.#kept.get(key);
    if (known !== undefined) {
      // The map's order is that of the last use.
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known.ancestry;
    }
    const ancestry = this.#walk(target, depth);
    this.#keep(key, ancestry);
    return ancestry;
  }

  #walk(target: Version, depth: number): Ancestry {
    const found = new Map([[target.versionId, { version: target, generation: 0 }]]);
    const frontier = new Set<string>();
    const missing: string[] = [];
    const edges: { child: string; parent: string }[] = [];
    let bytes = target.manifest.length;
    // A map goes through what is added to it on the way.
    for (const { version, generation } of found.values()) {
      for (const parent of version.parents) {
        edges.push({ child: version.versionId, parent });
        if (found.has(parent)) continue;
        const isWithin = generation < depth && found.size < MAX_VERSIONS && bytes < MAX_MANIFEST_BYTES;
        const next = isWithin ? this.#versions.find(parent) : undefined;
        if (next !== undefined) {
          found.set(parent, { version: next, generation: generation + 1 });
          bytes += next.manifest.length;
        } else if (isWithin) missing.push(parent);
        else frontier.add(parent);
      }
    }
    if (missing.length > 0) throw incomplete(missing);
    return toAncestry(
      [...found.values()].map(({ version }) => version),
      edges,
      [...frontier].filter((versionId) => !found.has(versionId)),
    );
  }

  #keep(key: string, ancestry: Ancestry): void {
    const { versions, edges, manifests, frontier } = ancestry;
    const bytes = VERSION_BYTES * versions.length + edges.length + manifests.length + frontier.length;
    if (bytes > this.#maxBytes) return;
    this.#kept.set(key, { ancestry, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= freed;
    }
  }
}

function toAncestry(
  versions: readonly Version[],
  edges: readonly { child: string; parent: string }[],
  frontier: readonly string[],
): Ancestry {
  // Manifests are JSON text already: parsing and writing them again would take most of the time of a bundle.
  const manifests = versions.map(({ versionId, manifest }) => `{"manifestHash":"${versionId}","manifest":${manifest}}`);
  return {
    versions: versions.map(({ versionId, log }) => (log === undefined ? { versionId } : { versionId, log })),
    edges: JSON.stringify(edges),
    manifests: `[${manifests.join(',')}]`,
    frontier: JSON.stringify(frontier),
  };
}

function incomplete(missing: readonly string[]): CatalogError {
  return new CatalogError(
    'incomplete-lineage',
    'ancestors are not known here: submit their manifests, or ask for less depth',
    {
      extra: { missing: [...new Set(missing)].slice(0, 100) },
    },
  );
}
