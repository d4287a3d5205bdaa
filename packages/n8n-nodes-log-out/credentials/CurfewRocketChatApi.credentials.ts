// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.
import { authenticateWith } from 'curfew-nodes-n8n/credentials';
import type {
	IAuthenticate,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

export class CurfewRocketChatApi implements ICredentialType {
	name = 'curfewRocketChatApi';

	displayName = 'Rocket.Chat (Curfew) API';

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
			placeholder: 'e.g. http://127.0.0.1:3000',
			description: 'The URL of Rocket.Chat',
		},
		{
			displayName: 'User ID',
			name: 'userId',
			type: 'string',
			required: true,
			default: '',
			description: 'The value for the header X-User-Id',
		},
		{
			displayName: 'Auth Token',
			name: 'authToken',
			type: 'string',
			typeOptions: {
				password: true,
			},
			required: true,
			default: '',
			description: 'The value for the header X-Auth-Token: a personal access token, or the token of a sign-in',
		},
		{
			displayName: 'TOTP Secret',
			name: 'totpSecret',
			type: 'string',
			typeOptions: {
				password: true,
			},
			default: '',
			description: 'The secret of the authenticator, in base 32. The node generates the codes of the second factor from it.',
		},
		{
			displayName: 'Ignore SSL Issues (Insecure)',
			name: 'ignoreSslIssues',
			type: 'boolean',
			default: false,
			description: 'Whether to connect even if SSL certificate validation is not possible',
		},
	];

	authenticate: IAuthenticate = authenticateWith('curfewRocketChatApi');
}
