// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.
import { otherServices } from 'curfew-nodes';
import { credentialTests } from 'curfew-nodes-n8n/credential-test';
import { runLogOut } from 'curfew-nodes-n8n/log-out';
import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
} from 'n8n-workflow';

export class LogOut implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Log Out',
		name: 'logOut',
		icon: {
			light: 'file:logout.svg',
			dark: 'file:logout.dark.svg',
		},
		group: ['output'],
		version: 1,
		subtitle: '={{ {"altogic":"Altogic","directus":"Directus","oauth":"OAuth Server","rocketchat":"Rocket.Chat","waha":"WAHA"}[$parameter.service] }}',
		description: 'End a session in Altogic, Directus, an OAuth server, Rocket.Chat or WAHA',
		defaults: {
			name: 'Log Out',
		},
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
		credentials: [
			{
				name: 'curfewAltogicApi',
				required: true,
				testedBy: 'curfewAltogicApi',
				displayOptions: {
					show: {
						service: ['altogic'],
					},
				},
			},
			{
				name: 'curfewDirectusApi',
				required: true,
				testedBy: 'curfewDirectusApi',
				displayOptions: {
					show: {
						service: ['directus'],
					},
				},
			},
			{
				name: 'curfewRevocationApi',
				required: true,
				testedBy: 'curfewRevocationApi',
				displayOptions: {
					show: {
						service: ['oauth'],
					},
				},
			},
			{
				name: 'curfewRocketChatApi',
				required: true,
				testedBy: 'curfewRocketChatApi',
				displayOptions: {
					show: {
						service: ['rocketchat'],
						authentication: ['token'],
					},
				},
			},
			{
				name: 'curfewRocketChatSignInApi',
				required: true,
				testedBy: 'curfewRocketChatSignInApi',
				displayOptions: {
					show: {
						service: ['rocketchat'],
						authentication: ['signIn'],
					},
				},
			},
			{
				name: 'curfewWahaApi',
				required: true,
				testedBy: 'curfewWahaApi',
				displayOptions: {
					show: {
						service: ['waha'],
					},
				},
			},
		],
		properties: [
			{
				displayName: 'Service',
				name: 'service',
				type: 'options',
				options: [
					{
						name: 'Altogic',
						value: 'altogic',
					},
					{
						name: 'Directus',
						value: 'directus',
					},
					{
						name: 'None',
						value: 'none',
						displayOptions: {
							show: {
								service: ['none'],
							},
						},
					},
					{
						name: 'OAuth Server',
						value: 'oauth',
					},
					{
						name: 'Rocket.Chat',
						value: 'rocketchat',
					},
					{
						name: 'WAHA',
						value: 'waha',
					},
				],
				required: true,
				default: 'altogic',
				description: 'The system in which the session ends',
				noDataExpression: true,
			},
			{
				displayName: 'Authentication',
				name: 'authentication',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'None',
						value: 'none',
						displayOptions: {
							show: {
								service: ['none'],
							},
						},
					},
					{
						name: 'Sign-In',
						value: 'signIn',
					},
					{
						name: 'User ID and Token',
						value: 'token',
					},
				],
				default: 'token',
				displayOptions: {
					show: {
						service: ['rocketchat'],
					},
				},
			},
			{
				displayName: 'Credentials',
				name: 'credentials',
				type: 'credentials',
				default: '',
			},
			{
				displayName: 'Session',
				name: 'altogicBy',
				type: 'options',
				options: [
					{
						name: 'By Its Token',
						value: 'token',
					},
					{
						name: "The Credential's Own",
						value: 'own',
					},
				],
				required: true,
				default: 'token',
				description: 'Which session to sign out',
				displayOptions: {
					show: {
						service: ['altogic'],
					},
				},
			},
			{
				displayName: 'Session Token',
				name: 'altogicSessionToken',
				type: 'string',
				typeOptions: {
					password: true,
				},
				required: true,
				default: '',
				description: 'The token of the session to sign out',
				displayOptions: {
					show: {
						service: ['altogic'],
						altogicBy: ['token'],
					},
				},
			},
			{
				displayName: 'Refresh Token',
				name: 'directusRefreshToken',
				type: 'string',
				typeOptions: {
					password: true,
				},
				required: true,
				default: '',
				description: 'The refresh token of the session',
				displayOptions: {
					show: {
						service: ['directus'],
					},
				},
			},
			{
				displayName: 'Check the Token First',
				name: 'directusCheck',
				type: 'boolean',
				default: true,
				description: 'Whether to refresh the token first, so that an invalid one is reported. Directus itself accepts every token.',
				displayOptions: {
					show: {
						service: ['directus'],
					},
				},
			},
			{
				displayName: 'Token',
				name: 'oauthToken',
				type: 'string',
				typeOptions: {
					password: true,
				},
				required: true,
				default: '',
				description: 'The access token or the refresh token',
				displayOptions: {
					show: {
						service: ['oauth'],
					},
				},
			},
			{
				displayName: 'Token Type',
				name: 'oauthHint',
				type: 'options',
				options: [
					{
						name: 'Access Token',
						value: 'access_token',
					},
					{
						name: 'Refresh Token',
						value: 'refresh_token',
					},
					{
						name: 'Unknown',
						value: 'unknown',
					},
				],
				default: 'unknown',
				description: 'The kind of token, which helps the server to find it',
				displayOptions: {
					show: {
						service: ['oauth'],
					},
				},
			},
			{
				displayName: 'Session ID',
				name: 'rocketchatSessionId',
				type: 'string',
				required: true,
				default: '',
				description: 'The ID of the session',
				displayOptions: {
					show: {
						service: ['rocketchat'],
					},
				},
			},
			{
				displayName: 'Two-Factor Code',
				name: 'rocketchatCode',
				type: 'string',
				default: '',
				description: 'A code of your authenticator, or a backup code. Leave it empty if the credential has the TOTP secret.',
				displayOptions: {
					show: {
						service: ['rocketchat'],
					},
				},
			},
			{
				displayName: 'Session Name',
				name: 'wahaSession',
				type: 'string',
				required: true,
				default: '={{ $json.session }}',
				placeholder: 'e.g. default',
				description: 'The name of the session',
				displayOptions: {
					show: {
						service: ['waha'],
					},
				},
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add Option',
				default: {},
				options: [
					{
						displayName: 'Batch Interval (Ms)',
						name: 'batchInterval',
						type: 'number',
						typeOptions: {
							minValue: 0,
							maxValue: 3600000,
						},
						default: 1000,
						description: 'How many milliseconds the pause after each batch lasts',
					},
					{
						displayName: 'Ignore SSL Issues (Insecure)',
						name: 'allowUnauthorizedCerts',
						type: 'boolean',
						default: false,
						description: 'Whether to connect even if SSL certificate validation is not possible',
					},
					{
						displayName: 'Items per Batch',
						name: 'batchSize',
						type: 'number',
						typeOptions: {
							minValue: 1,
							maxValue: 10000,
						},
						default: 50,
						placeholder: 'e.g. 50',
						description: 'How many requests are sent before a pause. Without one, there is no pause.',
					},
					{
						displayName: 'Proxy',
						name: 'proxy',
						type: 'string',
						default: '',
						placeholder: 'e.g. http://user:password@127.0.0.1:3128',
						description: 'The HTTP proxy to send the requests through, with user and password if it requires them',
					},
					{
						displayName: 'Timeout (Ms)',
						name: 'timeout',
						type: 'number',
						typeOptions: {
							minValue: 1,
							maxValue: 3600000,
						},
						default: 10000,
						description: 'How many milliseconds an answer may take',
					},
				],
			},
		],
	};

	methods = { credentialTest: credentialTests(otherServices) };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await runLogOut(this, otherServices);
	}
}
