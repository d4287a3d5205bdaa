export {
  authorizedSend,
  type Connection,
  checkUrl,
  readCredential,
  refusingRedirects,
  testCredential,
} from './connection.ts';
export { type Credential, ignoreTlsField } from './credential.ts';
export { type ErrorEntry, faultOf, NodeFault, type Origin } from './fault.ts';
export { Kept, keptBeside, sessionUrl } from './kept.ts';
export { labelOf } from './labels.ts';
export { secretOf, serverTypeOf, typeOf } from './names.ts';
export { operations } from './operations/index.ts';
export {
  errorsOutput,
  maxInputs,
  type Operation,
  type Outcome,
  type Output,
  type ResourceName,
  resources,
} from './operations/operation.ts';
export { absent, applies, type Choice, type Parameter, type Values } from './parameter.ts';
export { readParameters } from './read.ts';
export {
  baseUrl,
  batches,
  proxySignIn,
  type RequestOptions,
  requestOptions,
  requestOptionsOf,
} from './request-options.ts';
export { curfew } from './services/curfew.ts';
export { otherServices, serviceParameter, services } from './services/index.ts';
export type { LoggedOut, Service, ServiceName } from './services/service.ts';
export { type Answer, type Request, type Send, transportFault } from './transport.ts';
