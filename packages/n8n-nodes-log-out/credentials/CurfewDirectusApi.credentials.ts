// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.
import { authenticateWith } from 'curfew-nodes-n8n/credentials';
import type {
	IAuthenticate,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

export class CurfewDirectusApi implements ICredentialType {
	name = 'curfewDirectusApi';

	displayName = 'Directus (Curfew) API';

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
			placeholder: 'e.g. http://127.0.0.1:8055',
			description: 'The URL of Directus',
		},
		{
			displayName: 'Static Token',
			name: 'token',
			type: 'string',
			typeOptions: {
				password: true,
			},
			default: '',
			description: 'The static token of a user. Logging out by a refresh token does not need one, and does not send it.',
		},
		{
			displayName: 'Ignore SSL Issues (Insecure)',
			name: 'ignoreSslIssues',
			type: 'boolean',
			default: false,
			description: 'Whether to connect even if SSL certificate validation is not possible',
		},
	];

	authenticate: IAuthenticate = authenticateWith('curfewDirectusApi');
}
