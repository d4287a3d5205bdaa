import { NodeFault, readParameters, type Service } from 'curfew-nodes';
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { runEach } from './runs.ts';
import './supported.ts';

/** Runs the node Log Out: ends a session for each item, in the chosen service, or in the only one that it has. */
export async function runLogOut(
  context: IExecuteFunctions,
  services: readonly Service[],
): Promise<INodeExecutionData[][]> {
  return await runEach(context, 1, async (read, { index, origin }, connect) => {
    const name = services.length === 1 ? services[0]?.name : read('service');
    const service = services.find((one) => one.name === name);
    if (!service) throw new NodeFault('invalid_parameter', `“Service” has no ${JSON.stringify(name)}.`);
    const values = readParameters(service.parameters, (parameter) => read(parameter.name));
    const way = service.credentials.length > 1 ? read('authentication') : 'token';
    const credential = service.credentials.find((one) => one.way === way) ?? service.credentials[0];
    if (!credential) throw new TypeError(`${service.name} has a credential`);
    const answer = await service.logOut(await connect(credential, index), values);
    return [[{ json: { ...answer } as IDataObject, pairedItem: origin }]];
  });
}
