/** The web page, as the portal package has built it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, relative } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../problem.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** The page brings all of its parts, and talks to this server alone. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function portalRoutes(server: FastifyInstance): void {
  const files = readPortal();
  for (const [path, { type, body }] of files) {
    server.get(path, async (_request, reply) => {
      reply.header('content-security-policy', POLICY).header('x-content-type-options', 'nosniff');
      // Files under assets/ have a hash of their content in their name.
      reply.header('cache-control', path.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache');
      return reply.header('content-type', type).send(body);
    });
  }
  if (files.has('/')) return;
  server.get('/', async () => {
    throw new Problem(404, 'portal-not-built', 'the page is not built: run "npm run build -w @tidemark/portal" once');
  });
}

function readPortal(): Map<string, { type: string; body: Buffer }> {
  const manifest = createRequire(import.meta.url).resolve('@tidemark/portal/package.json');
  const dir = join(dirname(manifest), 'dist');
  const files = new Map<string, { type: string; body: Buffer }>();
  if (statSync(dir, { throwIfNoEntry: false }) === undefined) return files;
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const type = TYPES[extname(path)];
    if (type === undefined) continue;
    const route = `/${relative(dir, path).replaceAll('\\', '/')}`;
    files.set(route === '/index.html' ? '/' : route, { type, body: readFileSync(path) });
  }
  return files;
}
