// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.
import { authenticateWith, signInWith } from 'curfew-nodes-n8n/credentials';
import type {
	IAuthenticate,
	ICredentialDataDecryptedObject,
	ICredentialType,
	IHttpRequestHelper,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

export class CurfewRocketChatSignInApi implements ICredentialType {
	name = 'curfewRocketChatSignInApi';

	displayName = 'Rocket.Chat Sign-In (Curfew) API';

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
			displayName: 'User Name',
			name: 'username',
			type: 'string',
			required: true,
			default: '',
			description: 'The name of the account',
		},
		{
			displayName: 'Password',
			name: 'password',
			type: 'string',
			typeOptions: {
				password: true,
			},
			required: true,
			default: '',
			description: 'The password of the account',
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
		{
			displayName: 'authToken',
			name: 'authToken',
			type: 'hidden',
			typeOptions: {
				expirable: true,
				password: true,
			},
			default: '',
		},
		{
			displayName: 'userId',
			name: 'userId',
			type: 'hidden',
			default: '',
		},
		{
			displayName: 'sessionUrl',
			name: 'sessionUrl',
			type: 'hidden',
			default: '',
		},
	];

	async preAuthentication(this: IHttpRequestHelper, credentials: ICredentialDataDecryptedObject) {
		return await signInWith('curfewRocketChatSignInApi', this, credentials);
	}

	authenticate: IAuthenticate = authenticateWith('curfewRocketChatSignInApi');
}
