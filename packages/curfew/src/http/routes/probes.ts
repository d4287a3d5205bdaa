import { operation } from '../operation.ts';
import { readiness as shape } from '../schemas.ts';

export const readiness = operation({
  id: 'readiness',
  method: 'GET',
  path: '/readyz',
  tag: 'Operation',
  summary: 'Whether the server is ready',
  description:
    '200 while requests may be sent here, and 503 while they should go elsewhere. Each failing check is named, with ' +
    'what is wrong and since when. A probe should look only at the status.',
  access: 'open',
  answer: {
    status: 200,
    description: 'The server is `ready`, or `degraded`: it verifies, but cannot write.',
    schema: shape,
    otherwise: { status: 503, description: 'The server is `unready`, or `draining`: it is about to shut down.' },
  },
  async handle({ readiness, reply }) {
    const report = await readiness.report();
    if (report.status === 'unready' || report.status === 'draining') reply.status(503);
    return report;
  },
});
