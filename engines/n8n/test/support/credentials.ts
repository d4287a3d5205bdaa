import type {
  ICredentialDataDecryptedObject,
  ICredentialsExpressionResolveValues,
  ICredentialType,
  IExecuteData,
  IHttpRequestHelper,
  IHttpRequestOptions,
  INode,
  INodeCredentialsDetails,
  INodeParameters,
  WorkflowExecuteMode,
} from 'n8n-workflow';
import { workflow } from './engine.ts';

/**
 * What n8n's server gives its runner for credentials: they are kept by id, authenticated by their type, and signed in
 * again if their session is refused. n8n's own depends on its database; this one keeps them in memory.
 */
export class Credentials extends workflow.ICredentialsHelper {
  readonly kept = new Map<string, ICredentialDataDecryptedObject>();
  readonly #types: (name: string) => ICredentialType;

  constructor(types: (name: string) => ICredentialType) {
    super();
    this.#types = types;
  }

  getParentTypes(): string[] {
    return [];
  }

  isCredentialUsableByNode(): boolean {
    return true;
  }

  async getDecrypted(
    _: unknown,
    { id }: INodeCredentialsDetails,
    typeName: string,
    mode: WorkflowExecuteMode,
    executeData?: IExecuteData,
    _raw?: boolean,
    values?: ICredentialsExpressionResolveValues,
  ): Promise<ICredentialDataDecryptedObject> {
    this.#types(typeName);
    const found = this.kept.get(String(id));
    if (!found) throw new Error(`no credential has the id ${id}`);
    if (!values || !Object.values(found).some((value) => String(value).startsWith('='))) return { ...found };
    const { workflow, runExecutionData, runIndex, itemIndex, node, connectionInputData } = values;
    const own = [runExecutionData, runIndex, itemIndex, node.name, connectionInputData, mode, {}, executeData] as const;
    return workflow.expression.getParameterValue(found as INodeParameters, ...own) as ICredentialDataDecryptedObject;
  }

  async authenticate(
    credentials: ICredentialDataDecryptedObject,
    typeName: string,
    options: IHttpRequestOptions,
  ): Promise<IHttpRequestOptions> {
    const { authenticate } = this.#types(typeName);
    if (typeof authenticate !== 'function') throw new Error(`${typeName} does not authenticate by a function`);
    return authenticate(credentials, options);
  }

  async preAuthentication(
    helpers: IHttpRequestHelper,
    credentials: ICredentialDataDecryptedObject,
    typeName: string,
    node: INode,
    expired: boolean,
  ): Promise<ICredentialDataDecryptedObject | undefined> {
    const type = this.#types(typeName);
    const expirable = type.properties.find(
      ({ type, typeOptions }) => type === 'hidden' && typeOptions?.expirable === true,
    );
    const details = node.credentials?.[typeName];
    if (!expirable || !type.preAuthentication || !details) return undefined;
    const isEmpty = [undefined, ''].includes(credentials[expirable.name] as string | undefined);
    if (!isEmpty && !expired) return undefined;
    const output = await type.preAuthentication.call(helpers, credentials);
    if (output[expirable.name] === undefined) return undefined;
    const together = { ...credentials, ...output } as ICredentialDataDecryptedObject;
    await this.updateCredentials(details, typeName, together);
    return together;
  }

  async updateCredentials(
    { id }: INodeCredentialsDetails,
    _: string,
    data: ICredentialDataDecryptedObject,
  ): Promise<void> {
    this.kept.set(String(id), data);
  }

  runPreAuthentication(): never {
    throw new Error('not used by the runner');
  }

  getCredentials(): never {
    throw new Error('not used by the runner');
  }

  updateCredentialsOauthTokenData(): never {
    throw new Error('no OAuth credentials here');
  }

  getCredentialsProperties(type: string): ICredentialType['properties'] {
    return this.#types(type).properties;
  }
}
