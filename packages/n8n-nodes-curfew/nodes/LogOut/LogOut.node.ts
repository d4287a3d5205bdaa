// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.
import { curfew } from 'curfew-nodes';
import { credentialTests } from 'curfew-nodes-n8n/credential-test';
import { runLogOut } from 'curfew-nodes-n8n/log-out';
import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	NodeConnectionTypes,
	VersionedNodeType,
} from 'n8n-workflow';
import { LogOut1 } from '../../earlier/LogOut1.ts';

class LogOut2 implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Log Out of Curfew',
		name: 'logOut',
		icon: {
			light: 'file:logout.svg',
			dark: 'file:logout.dark.svg',
		},
		group: ['output'],
		version: 2,
		subtitle: '={{ {"id":"By Session ID","name":"By Session Name","refreshToken":"By Refresh Token","token":"By Session Token"}[$parameter.curfewBy] }}',
		description: 'End a session in Curfew by its ID, its name or one of its tokens',
		defaults: {
			name: 'Log Out of Curfew',
		},
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
		credentials: [
			{
				name: 'curfewApi',
				required: true,
				testedBy: 'curfewApi',
				displayOptions: {
					show: {
						authentication: ['token'],
					},
				},
			},
			{
				name: 'curfewSignInApi',
				required: true,
				testedBy: 'curfewSignInApi',
				displayOptions: {
					show: {
						authentication: ['signIn'],
					},
				},
			},
		],
		properties: [
			{
				displayName: 'Authentication',
				name: 'authentication',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'API Key',
						value: 'token',
					},
					{
						name: 'Sign-In',
						value: 'signIn',
					},
				],
				default: 'token',
			},
			{
				displayName: 'Session By',
				name: 'curfewBy',
				type: 'options',
				options: [
					{
						name: 'Refresh Token',
						value: 'refreshToken',
					},
					{
						name: 'Session ID',
						value: 'id',
					},
					{
						name: 'Session Name',
						value: 'name',
					},
					{
						name: 'Session Token',
						value: 'token',
					},
				],
				required: true,
				default: 'id',
				description: 'How the session is identified',
			},
			{
				displayName: 'Session ID',
				name: 'curfewSessionId',
				type: 'string',
				required: true,
				default: '',
				description: 'The ID of the session',
				displayOptions: {
					show: {
						curfewBy: ['id'],
					},
				},
			},
			{
				displayName: 'Session Name',
				name: 'curfewSessionName',
				type: 'string',
				required: true,
				default: '',
				description: 'The name of the session',
				displayOptions: {
					show: {
						curfewBy: ['name'],
					},
				},
			},
			{
				displayName: 'Session Token',
				name: 'curfewSessionToken',
				type: 'string',
				typeOptions: {
					password: true,
				},
				required: true,
				default: '',
				placeholder: 'e.g. cfs_…',
				description: 'The token of the session, which begins with cfs_',
				displayOptions: {
					show: {
						curfewBy: ['token'],
					},
				},
			},
			{
				displayName: 'Refresh Token',
				name: 'curfewRefreshToken',
				type: 'string',
				typeOptions: {
					password: true,
				},
				required: true,
				default: '',
				placeholder: 'e.g. cfr_…',
				description: 'The refresh token of the session, which begins with cfr_',
				displayOptions: {
					show: {
						curfewBy: ['refreshToken'],
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

	methods = { credentialTest: credentialTests([curfew]) };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await runLogOut(this, [curfew]);
	}
}

export class LogOut extends VersionedNodeType {
	constructor() {
		const newest = new LogOut2();
		super({ 1: new LogOut1(), 2: newest }, { ...newest.description, defaultVersion: 2 });
	}
}
