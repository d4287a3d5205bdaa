// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.
import { authenticateWith } from 'curfew-nodes-n8n/credentials';
import type {
	IAuthenticate,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

export class CurfewAltogicApi implements ICredentialType {
	name = 'curfewAltogicApi';

	displayName = 'Altogic (Curfew) API';

	documentationUrl = 'https://www.npmjs.com/package/n8n-nodes-log-out#credentials';

	icon: Icon = {
		light: 'file:../icons/credential.svg',
		dark: 'file:../icons/credential.dark.svg',
	};

	properties: INodeProperties[] = [
		{
			displayName: 'URL',
			name: 'url',
			type: 'string',
			required: true,
			default: '',
			placeholder: 'e.g. https://c1-na.altogic.com/e:…',
			description: 'The base URL of the environment',
		},
		{
			displayName: 'Client Key',
			name: 'clientKey',
			type: 'string',
			required: true,
			default: '',
			description: 'The key of the client library',
		},
		{
			displayName: 'Session Token',
			name: 'sessionToken',
			type: 'string',
			typeOptions: {
				password: true,
			},
			required: true,
			default: '',
			description: 'The session of the user who signs sessions out',
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: {
				password: true,
			},
			default: '',
			description: 'An API key of the application, if it requires one',
		},
		{
			displayName: 'Ignore SSL Issues (Insecure)',
			name: 'ignoreSslIssues',
			type: 'boolean',
			default: false,
			description: 'Whether to connect even if SSL certificate validation is not possible',
		},
	];

	authenticate: IAuthenticate = authenticateWith('curfewAltogicApi');
}
