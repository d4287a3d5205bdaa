// Written by tools/generate.ts from the declarations in packages/nodes. Do not edit.
import { curfew } from 'curfew-nodes';
import { credentialTests } from 'curfew-nodes-n8n/credential-test';
import { runCurfew } from 'curfew-nodes-n8n/curfew';
import {
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';

export class Curfew implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Curfew',
		name: 'curfew',
		icon: {
			light: 'file:curfew.svg',
			dark: 'file:curfew.dark.svg',
		},
		group: ['transform'],
		version: 1,
		subtitle: '={{ {"createUserSession":"Create User Session","getUserSession":"Get a Specific Session of User","getUserSessions":"Get All Sessions of User","deleteUserSession":"Delete Specific Session of User","deleteUserSessions":"Delete All Sessions of User","addAccessGroup":"Add Access Group to User Session","removeAccessGroup":"Remove Access Group From User Session","verifySession":"Verify","getSessions":"Get Many","endSessionById":"End by ID","endSessionByName":"End by Name","refreshSession":"Refresh"}[$parameter.operation] }}',
		description: 'Create, verify, list, change and end sessions',
		defaults: {
			name: 'Curfew',
		},
		inputs: '={{ Array.from({ length: (["createUserSession","getUserSession","deleteUserSession","addAccessGroup","removeAccessGroup"].includes($parameter.operation) ? $parameter.numberInputs || 1 : 1) }, (_, i) => ({ type: \'main\', displayName: (["createUserSession","getUserSession","deleteUserSession","addAccessGroup","removeAccessGroup"].includes($parameter.operation) ? $parameter.numberInputs || 1 : 1) > 1 ? \'Input \' + (i + 1) : undefined })) }}',
		outputs: '={{ ({"createUserSession":[{"type":"main","displayName":"Session"}],"getUserSession":[{"type":"main","displayName":"Session"},{"type":"main","displayName":"Not Found"}],"getUserSessions":[{"type":"main","displayName":"Sessions"}],"deleteUserSession":[{"type":"main","displayName":"Trigger"}],"deleteUserSessions":[{"type":"main","displayName":"Trigger"}],"addAccessGroup":[{"type":"main","displayName":"Output Object"}],"removeAccessGroup":[{"type":"main","displayName":"Output Object"}],"verifySession":[{"type":"main","displayName":"Active"},{"type":"main","displayName":"Inactive"}],"getSessions":[{"type":"main","displayName":"Sessions"}],"endSessionById":[{"type":"main","displayName":"Trigger"}],"endSessionByName":[{"type":"main","displayName":"Trigger"}],"refreshSession":[{"type":"main","displayName":"Session"}]})[$parameter.operation] }}',
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
				displayName: 'Resource',
				name: 'resource',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Session',
						value: 'session',
						description: 'A session, by its token, ID or name',
					},
					{
						name: 'User Session',
						value: 'userSession',
						description: 'The sessions of a user',
					},
				],
				default: 'userSession',
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				displayOptions: {
					show: {
						resource: ['session'],
					},
				},
				options: [
					{
						name: 'End by ID',
						value: 'endSessionById',
						description: 'Ends a session of any user',
						action: 'End a session by its ID',
					},
					{
						name: 'End by Name',
						value: 'endSessionByName',
						description: 'Ends the session with a given name',
						action: 'End a session by its name',
					},
					{
						name: 'Get Many',
						value: 'getSessions',
						description: 'Lists sessions across users, newest first',
						action: 'Get many sessions',
					},
					{
						name: 'Refresh',
						value: 'refreshSession',
						description: 'Gives a session new tokens; the previous ones become invalid',
						action: 'Refresh a session',
					},
					{
						name: 'Verify',
						value: 'verifySession',
						description: 'Checks whether a session token is valid now',
						action: 'Verify a session token',
					},
				],
				default: 'verifySession',
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				displayOptions: {
					show: {
						resource: ['userSession'],
					},
				},
				options: [
					{
						name: 'Add Access Group to User Session',
						value: 'addAccessGroup',
						description: 'Adds access groups to all sessions of a user that have not ended: all or none',
						action: 'Add an access group',
					},
					{
						name: 'Create User Session',
						value: 'createUserSession',
						description: 'Opens a session for a user',
						action: 'Create a user session',
					},
					{
						name: 'Delete All Sessions of User',
						value: 'deleteUserSessions',
						description: 'Ends all sessions of a user in one step, including those being opened at this moment',
						action: 'Delete all user sessions',
					},
					{
						name: 'Delete Specific Session of User',
						value: 'deleteUserSession',
						description: 'Ends a session of a user by its token or its ID',
						action: 'Delete a session of a user',
					},
					{
						name: 'Get a Specific Session of User',
						value: 'getUserSession',
						description: 'Reads a session of a user by its token or its ID',
						action: 'Get a session of a user',
					},
					{
						name: 'Get All Sessions of User',
						value: 'getUserSessions',
						description: 'Lists all sessions of a user that have not ended',
						action: 'Get all sessions of a user',
					},
					{
						name: 'Remove Access Group From User Session',
						value: 'removeAccessGroup',
						description: 'Removes access groups from all sessions of a user that have not ended: all or none',
						action: 'Remove an access group',
					},
				],
				default: 'createUserSession',
			},
			{
				displayName: 'Number of Inputs',
				name: 'numberInputs',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: '1',
						value: 1,
					},
					{
						name: '2',
						value: 2,
					},
					{
						name: '3',
						value: 3,
					},
					{
						name: '4',
						value: 4,
					},
					{
						name: '5',
						value: 5,
					},
					{
						name: '6',
						value: 6,
					},
					{
						name: '7',
						value: 7,
					},
					{
						name: '8',
						value: 8,
					},
				],
				default: 1,
				displayOptions: {
					show: {
						operation: [
							'createUserSession',
							'getUserSession',
							'deleteUserSession',
							'addAccessGroup',
							'removeAccessGroup',
						],
					},
				},
				description: 'How many inputs the node waits for. Each parameter can come from any of them.',
			},
			{
				displayName: 'Pair Items By',
				name: 'pairItemsBy',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Key',
						value: 'key',
						description: 'Items with the same key belong together',
					},
					{
						name: 'Position',
						value: 'place',
						description: 'The first items of all inputs belong together, then the second',
					},
				],
				default: 'place',
				displayOptions: {
					show: {
						operation: [
							'createUserSession',
							'getUserSession',
							'deleteUserSession',
							'addAccessGroup',
							'removeAccessGroup',
						],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
					},
				},
				description: 'Which items of the inputs belong together. By key, the node runs once for each item of input 1; by position, once for each item of the longest input, and an input with one item serves all.',
			},
			{
				displayName: 'Key Field',
				name: 'pairKey',
				type: 'string',
				noDataExpression: true,
				required: true,
				default: 'userId',
				placeholder: 'e.g. userId',
				displayOptions: {
					show: {
						operation: [
							'createUserSession',
							'getUserSession',
							'deleteUserSession',
							'addAccessGroup',
							'removeAccessGroup',
						],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
						pairItemsBy: ['key'],
					},
				},
				description: 'A field in the items of every input, which is the same in items that belong together',
			},
			{
				displayName: 'Session User ID From',
				name: 'userIdInput',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Input 1',
						value: 'input1',
					},
					{
						name: 'Input 2',
						value: 'input2',
					},
					{
						name: 'Input 3',
						value: 'input3',
						displayOptions: {
							show: {
								numberInputs: [3, 4, 5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 4',
						value: 'input4',
						displayOptions: {
							show: {
								numberInputs: [4, 5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 5',
						value: 'input5',
						displayOptions: {
							show: {
								numberInputs: [5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 6',
						value: 'input6',
						displayOptions: {
							show: {
								numberInputs: [6, 7, 8],
							},
						},
					},
					{
						name: 'Input 7',
						value: 'input7',
						displayOptions: {
							show: {
								numberInputs: [7, 8],
							},
						},
					},
					{
						name: 'Input 8',
						value: 'input8',
						displayOptions: {
							show: {
								numberInputs: [8],
							},
						},
					},
					{
						name: 'The Field Below',
						value: 'below',
					},
				],
				default: 'below',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: [
							'createUserSession',
							'getUserSession',
							'deleteUserSession',
							'addAccessGroup',
							'removeAccessGroup',
						],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
					},
				},
				description: 'Where “Session User ID” comes from: a field of an item of an input, or the field below',
			},
			{
				displayName: 'Session User ID',
				name: 'userId',
				type: 'string',
				required: true,
				default: '',
				placeholder: 'e.g. ada',
				description: "The application's own ID of the user to whom the session belongs",
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: [
							'createUserSession',
							'getUserSession',
							'getUserSessions',
							'deleteUserSession',
							'deleteUserSessions',
							'addAccessGroup',
							'removeAccessGroup',
						],
					},
					hide: {
						userIdInput: [
							'input1',
							'input2',
							'input3',
							'input4',
							'input5',
							'input6',
							'input7',
							'input8',
						],
					},
				},
			},
			{
				displayName: 'Field of Session User ID',
				name: 'userIdInputField',
				type: 'string',
				noDataExpression: true,
				required: true,
				default: 'userId',
				placeholder: 'e.g. userId',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: [
							'createUserSession',
							'getUserSession',
							'deleteUserSession',
							'addAccessGroup',
							'removeAccessGroup',
						],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
						userIdInput: [
							'input1',
							'input2',
							'input3',
							'input4',
							'input5',
							'input6',
							'input7',
							'input8',
						],
					},
				},
				description: 'The field of the item of that input; use a dot for a nested field, as in user.name',
			},
			{
				displayName: 'Access Groups From',
				name: 'accessGroupsInput',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Input 1',
						value: 'input1',
					},
					{
						name: 'Input 2',
						value: 'input2',
					},
					{
						name: 'Input 3',
						value: 'input3',
						displayOptions: {
							show: {
								numberInputs: [3, 4, 5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 4',
						value: 'input4',
						displayOptions: {
							show: {
								numberInputs: [4, 5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 5',
						value: 'input5',
						displayOptions: {
							show: {
								numberInputs: [5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 6',
						value: 'input6',
						displayOptions: {
							show: {
								numberInputs: [6, 7, 8],
							},
						},
					},
					{
						name: 'Input 7',
						value: 'input7',
						displayOptions: {
							show: {
								numberInputs: [7, 8],
							},
						},
					},
					{
						name: 'Input 8',
						value: 'input8',
						displayOptions: {
							show: {
								numberInputs: [8],
							},
						},
					},
					{
						name: 'The Field Below',
						value: 'below',
					},
				],
				default: 'below',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['createUserSession'],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
					},
				},
				description: 'Where “Access Groups” comes from: a field of an item of an input, or the field below',
			},
			{
				displayName: 'Access Groups',
				name: 'accessGroups',
				type: 'string',
				default: '',
				placeholder: 'e.g. staff, billing',
				description: 'One key, several separated by commas, or a list of keys. They determine what the session may access.',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['createUserSession'],
					},
					hide: {
						accessGroupsInput: [
							'input1',
							'input2',
							'input3',
							'input4',
							'input5',
							'input6',
							'input7',
							'input8',
						],
					},
				},
			},
			{
				displayName: 'Field of Access Groups',
				name: 'accessGroupsInputField',
				type: 'string',
				noDataExpression: true,
				required: true,
				default: 'accessGroups',
				placeholder: 'e.g. userId',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['createUserSession'],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
						accessGroupsInput: [
							'input1',
							'input2',
							'input3',
							'input4',
							'input5',
							'input6',
							'input7',
							'input8',
						],
					},
				},
				description: 'The field of the item of that input; use a dot for a nested field, as in user.name',
			},
			{
				displayName: 'Session Token From',
				name: 'sessionTokenInput',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Input 1',
						value: 'input1',
					},
					{
						name: 'Input 2',
						value: 'input2',
					},
					{
						name: 'Input 3',
						value: 'input3',
						displayOptions: {
							show: {
								numberInputs: [3, 4, 5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 4',
						value: 'input4',
						displayOptions: {
							show: {
								numberInputs: [4, 5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 5',
						value: 'input5',
						displayOptions: {
							show: {
								numberInputs: [5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 6',
						value: 'input6',
						displayOptions: {
							show: {
								numberInputs: [6, 7, 8],
							},
						},
					},
					{
						name: 'Input 7',
						value: 'input7',
						displayOptions: {
							show: {
								numberInputs: [7, 8],
							},
						},
					},
					{
						name: 'Input 8',
						value: 'input8',
						displayOptions: {
							show: {
								numberInputs: [8],
							},
						},
					},
					{
						name: 'The Field Below',
						value: 'below',
					},
				],
				default: 'below',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['getUserSession', 'deleteUserSession'],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
					},
				},
				description: 'Where “Session Token” comes from: a field of an item of an input, or the field below',
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
				description: 'The token of the session, or its ID, which the other operations output',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['getUserSession', 'deleteUserSession'],
					},
					hide: {
						sessionTokenInput: [
							'input1',
							'input2',
							'input3',
							'input4',
							'input5',
							'input6',
							'input7',
							'input8',
						],
					},
				},
			},
			{
				displayName: 'Field of Session Token',
				name: 'sessionInputField',
				type: 'string',
				noDataExpression: true,
				required: true,
				default: 'token',
				placeholder: 'e.g. userId',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['getUserSession', 'deleteUserSession'],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
						sessionTokenInput: [
							'input1',
							'input2',
							'input3',
							'input4',
							'input5',
							'input6',
							'input7',
							'input8',
						],
					},
				},
				description: 'The field of the item of that input; use a dot for a nested field, as in user.name',
			},
			{
				displayName: 'Access Groups From',
				name: 'accessGroupsInput',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'Input 1',
						value: 'input1',
					},
					{
						name: 'Input 2',
						value: 'input2',
					},
					{
						name: 'Input 3',
						value: 'input3',
						displayOptions: {
							show: {
								numberInputs: [3, 4, 5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 4',
						value: 'input4',
						displayOptions: {
							show: {
								numberInputs: [4, 5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 5',
						value: 'input5',
						displayOptions: {
							show: {
								numberInputs: [5, 6, 7, 8],
							},
						},
					},
					{
						name: 'Input 6',
						value: 'input6',
						displayOptions: {
							show: {
								numberInputs: [6, 7, 8],
							},
						},
					},
					{
						name: 'Input 7',
						value: 'input7',
						displayOptions: {
							show: {
								numberInputs: [7, 8],
							},
						},
					},
					{
						name: 'Input 8',
						value: 'input8',
						displayOptions: {
							show: {
								numberInputs: [8],
							},
						},
					},
					{
						name: 'The Field Below',
						value: 'below',
					},
				],
				default: 'below',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['addAccessGroup', 'removeAccessGroup'],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
					},
				},
				description: 'Where “Access Groups” comes from: a field of an item of an input, or the field below',
			},
			{
				displayName: 'Access Groups',
				name: 'accessGroups',
				type: 'string',
				required: true,
				default: '',
				placeholder: 'e.g. staff, billing',
				description: 'One key, several separated by commas, or a list of keys. They determine what the session may access.',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['addAccessGroup', 'removeAccessGroup'],
					},
					hide: {
						accessGroupsInput: [
							'input1',
							'input2',
							'input3',
							'input4',
							'input5',
							'input6',
							'input7',
							'input8',
						],
					},
				},
			},
			{
				displayName: 'Field of Access Groups',
				name: 'accessGroupsInputField',
				type: 'string',
				noDataExpression: true,
				required: true,
				default: 'accessGroups',
				placeholder: 'e.g. userId',
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['addAccessGroup', 'removeAccessGroup'],
						numberInputs: [2, 3, 4, 5, 6, 7, 8],
						accessGroupsInput: [
							'input1',
							'input2',
							'input3',
							'input4',
							'input5',
							'input6',
							'input7',
							'input8',
						],
					},
				},
				description: 'The field of the item of that input; use a dot for a nested field, as in user.name',
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
				placeholder: 'e.g. cfs_…',
				description: 'The token of the session, which begins with cfs_',
				displayOptions: {
					show: {
						resource: ['session'],
						operation: ['verifySession'],
					},
				},
			},
			{
				displayName: 'Return All',
				name: 'returnAll',
				type: 'boolean',
				default: false,
				description: 'Whether to return all results or only up to a given limit',
				displayOptions: {
					show: {
						resource: ['session'],
						operation: ['getSessions'],
					},
				},
			},
			{
				displayName: 'Limit',
				name: 'limit',
				type: 'number',
				typeOptions: {
					minValue: 1,
					maxValue: 1000000,
				},
				default: 50,
				description: 'Max number of results to return',
				displayOptions: {
					show: {
						resource: ['session'],
						operation: ['getSessions'],
						returnAll: [false],
					},
				},
			},
			{
				displayName: 'Session ID',
				name: 'sessionId',
				type: 'string',
				required: true,
				default: '',
				description: 'The ID of the session',
				displayOptions: {
					show: {
						resource: ['session'],
						operation: ['endSessionById'],
					},
				},
			},
			{
				displayName: 'Session Name',
				name: 'sessionName',
				type: 'string',
				required: true,
				default: '',
				placeholder: 'e.g. front-desk',
				description: 'The name of the session',
				displayOptions: {
					show: {
						resource: ['session'],
						operation: ['endSessionByName'],
					},
				},
			},
			{
				displayName: 'Refresh Token',
				name: 'refreshToken',
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
						resource: ['session'],
						operation: ['refreshSession'],
					},
				},
			},
			{
				displayName: 'Additional Fields',
				name: 'additionalFields',
				type: 'collection',
				placeholder: 'Add Field',
				default: {},
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['createUserSession'],
					},
				},
				options: [
					{
						displayName: 'Idle Limit (Seconds)',
						name: 'sessionIdle',
						type: 'number',
						typeOptions: {
							minValue: 1,
							maxValue: 315360000,
						},
						default: 3600,
						placeholder: 'e.g. 3600',
						description: 'How many seconds it lasts without activity; the policy sets the maximum',
					},
					{
						displayName: 'IP Address',
						name: 'sessionIp',
						type: 'string',
						default: '',
						description: 'The address of the device',
					},
					{
						displayName: 'Lifetime (Seconds)',
						name: 'sessionLifetime',
						type: 'number',
						typeOptions: {
							minValue: 1,
							maxValue: 315360000,
						},
						default: 86400,
						placeholder: 'e.g. 86400',
						description: 'How many seconds it lives at most; the policy sets the maximum',
					},
					{
						displayName: 'Metadata',
						name: 'sessionMetadata',
						type: 'json',
						default: '{}',
						description: 'Your own JSON: an object of at most 4,096 bytes',
					},
					{
						displayName: 'Name',
						name: 'sessionName',
						type: 'string',
						default: '',
						description: 'A unique name, by which it can be ended',
					},
					{
						displayName: 'User Agent',
						name: 'sessionUserAgent',
						type: 'string',
						default: '',
						description: 'The User-Agent of the device, from which its kind is derived',
					},
				],
			},
			{
				displayName: 'Additional Fields',
				name: 'additionalFields',
				type: 'collection',
				placeholder: 'Add Field',
				default: {},
				displayOptions: {
					show: {
						resource: ['userSession'],
						operation: ['deleteUserSessions'],
					},
				},
				options: [
					{
						displayName: 'Except Session ID',
						name: 'exceptSessionId',
						type: 'string',
						default: '',
						description: 'The ID of a session of the user that does not end',
					},
				],
			},
			{
				displayName: 'Filters',
				name: 'additionalFields',
				type: 'collection',
				placeholder: 'Add Filter',
				default: {},
				displayOptions: {
					show: {
						resource: ['session'],
						operation: ['getSessions'],
					},
				},
				options: [
					{
						displayName: 'Access Group',
						name: 'filterGroup',
						type: 'string',
						default: '',
						description: 'An access group that the session has',
					},
					{
						displayName: 'IP Address',
						name: 'filterIp',
						type: 'string',
						default: '',
						description: 'The address of the device',
					},
					{
						displayName: 'Name',
						name: 'filterName',
						type: 'string',
						default: '',
						description: 'The name of the session',
					},
					{
						displayName: 'Status',
						name: 'filterStatus',
						type: 'options',
						options: [
							{
								name: 'Active',
								value: 'active',
							},
							{
								name: 'Ended',
								value: 'ended',
							},
							{
								name: 'Suspended',
								value: 'suspended',
							},
						],
						default: 'active',
						description: 'The state of the session. Without it, sessions that have ended are listed too.',
					},
					{
						displayName: 'Text',
						name: 'filterText',
						type: 'string',
						default: '',
						description: 'A text to find in IDs, names, addresses, groups or devices',
					},
					{
						displayName: 'User ID',
						name: 'filterUser',
						type: 'string',
						default: '',
						description: 'The user to whom the session belongs',
					},
				],
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
						displayName: 'Empty Item for No Sessions',
						name: 'emptyItem',
						type: 'boolean',
						default: false,
						description: 'Whether to output one empty item if there are no sessions, so that the workflow continues',
						displayOptions: {
							show: {
								'/operation': ['getUserSessions', 'getSessions'],
							},
						},
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
		return await runCurfew(this);
	}
}
