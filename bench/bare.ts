import { createServer } from 'node:http';

/*
 * The rival in the HTTP row: it reads and parses the body, and answers with the given bytes and the usual headers of a
 * JSON answer. Nothing else.
 */
const answer = Buffer.from(process.argv[2]!, 'base64');
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    JSON.parse(body);
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': answer.length,
      'cache-control': 'no-store',
    });
    response.end(answer);
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(
    JSON.stringify({ msg: 'listening', url: `http://127.0.0.1:${(server.address() as { port: number }).port}` }),
  );
});
