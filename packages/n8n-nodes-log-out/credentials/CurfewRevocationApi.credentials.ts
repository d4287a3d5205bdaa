// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.
import { authenticateWith } from 'curfew-nodes-n8n/credentials';
import type {
	IAuthenticate,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

export class CurfewRevocationApi implements ICredentialType {
	name = 'curfewRevocationApi';

	displayName = 'OAuth Revocation (Curfew) API';

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
			placeholder: 'e.g. https://auth.example.com/oauth/revoke',
			description: 'The revocation endpoint of the server',
		},
		{
			displayName: 'Client ID',
			name: 'clientId',
			type: 'string',
			required: true,
			default: '',
			description: 'The ID of the client to which the token was issued',
		},
		{
			displayName: 'Client Authentication',
			name: 'clientAuthentication',
			type: 'options',
			options: [
				{
					name: 'Basic Header',
					value: 'basic',
					description: 'In the header Authorization (client_secret_basic)',
				},
				{
					name: 'In the Body',
					value: 'body',
					description: 'In the body (client_secret_post)',
				},
				{
					name: 'None',
					value: 'none',
					description: 'A public client has no secret',
				},
			],
			default: 'basic',
			description: 'How the client authenticates',
		},
		{
			displayName: 'Client Secret',
			name: 'clientSecret',
			type: 'string',
			typeOptions: {
				password: true,
			},
			required: true,
			default: '',
			description: 'The secret of the client',
			displayOptions: {
				show: {
					clientAuthentication: ['basic', 'body'],
				},
			},
		},
		{
			displayName: 'Ignore SSL Issues (Insecure)',
			name: 'ignoreSslIssues',
			type: 'boolean',
			default: false,
			description: 'Whether to connect even if SSL certificate validation is not possible',
		},
	];

	authenticate: IAuthenticate = authenticateWith('curfewRevocationApi');
}
