/** A bare Fastify server that answers a JSON body with itself: the yardstick for single webhooks. Prints its URL. */
import Fastify from 'fastify';

const server = Fastify();
server.post('/', async (request) => request.body);
process.stdout.write(`${await server.listen({ port: 0, host: '127.0.0.1' })}\n`);
