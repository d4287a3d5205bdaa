// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.
import { authenticateWith } from 'curfew-nodes-n8n/credentials';
import type {
	IAuthenticate,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

export class CurfewApi implements ICredentialType {
	name = 'curfewApi';

	displayName = 'Curfew API';

	documentationUrl = 'https://www.npmjs.com/package/n8n-nodes-curfew#credentials';

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
			placeholder: 'e.g. http://127.0.0.1:2873',
			description: 'The URL of the Curfew server',
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: {
				password: true,
			},
			required: true,
			default: '',
			description: 'A Curfew API key, which begins with cfk_. It needs the scopes that the operations require.',
		},
		{
			displayName: 'Ignore SSL Issues (Insecure)',
			name: 'ignoreSslIssues',
			type: 'boolean',
			default: false,
			description: 'Whether to connect even if SSL certificate validation is not possible',
		},
	];

	authenticate: IAuthenticate = authenticateWith('curfewApi');
}
