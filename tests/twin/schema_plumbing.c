/* SPDX-License-Identifier: MIT */
/*
 * The objects with which Twenty 2.21 serves itself (mail, calendar, workflows), as data: what GET
 * /rest/metadata/objects of a real server lists, without what only a browser needs.
 * From: nothing. To: schema.c, which makes the living schema of it. Cannot fail.
 * Does not hold what can be worked out: join columns, the ids of fields, the empty value of a type.
 */
#include "tests/twin/schema_table.h"

#include <stddef.h>

static const struct field_def timelineActivity_fields[] = {
	FIELD("properties", FT_RAW_JSON, FF_NUL | FF_RDO, "Event details"),
	F_LIFE,
	F_CREATED_BY,
	F_UPDATED_BY,
	F_POSITION,
	FIELD("happensAt", FT_DATE_TIME, FF_RDO, "Creation date", .dflt = "\"now\""),
	FIELD("name", FT_TEXT, FF_NUL | FF_RDO, "Event name"),
	FIELD("linkedRecordCachedName", FT_TEXT, FF_NUL | FF_SYS | FF_RDO,
		"Linked Record cached name"),
	FIELD("linkedRecordId", FT_UUID, FF_NUL | FF_SYS | FF_RDO, "Linked Record id"),
	FIELD("linkedObjectMetadataId", FT_UUID, FF_NUL | FF_SYS | FF_RDO,
		"Linked Object Metadata Id"),
	F_SEARCH_VECTOR,
	TARGET("Company", FF_NUL | FF_RDO | FF_CAS, "Target", "company"),
	TARGET("Dashboard", FF_NUL | FF_RDO, "Target", "dashboard"),
	TARGET("MessageCampaign", FF_NUL | FF_RDO, "Target", "messageCampaign"),
	TARGET("MessageList", FF_NUL | FF_RDO, "Target", "messageList"),
	TARGET("Note", FF_NUL | FF_RDO, "Target", "note"),
	TARGET("Opportunity", FF_NUL | FF_RDO, "Target", "opportunity"),
	TARGET("Person", FF_NUL | FF_RDO | FF_CAS, "Target", "person"),
	TARGET("Task", FF_NUL | FF_RDO, "Target", "task"),
	ONE("workspaceMember", FF_NUL | FF_RDO | FF_CAS, "Workspace Member", "workspaceMember"),
	TARGET("Workflow", FF_NUL | FF_RDO | FF_CAS, "Target", "workflow"),
	TARGET("WorkflowVersion", FF_NUL | FF_RDO | FF_CAS, "Target", "workflowVersion"),
	TARGET("WorkflowRun", FF_NUL | FF_RDO | FF_CAS, "Target", "workflowRun"),
	F_CUSTOM_TARGETS,
};

static const struct field_def callRecording_fields[] = {
	F_LIFE,
	FIELD("title", FT_TEXT, FF_NUL | FF_RDO, "Title"),
	FIELD("status", FT_SELECT, FF_RDO, "Status", .dflt = "\"'SCHEDULED'\"",
		.options = "SCHEDULED:Scheduled:sky|JOINING:Joining:blue|RECORDING:Recording:red|"
			   "PROCESSING:Processing:orange|COMPLETED:Completed:green|FAILED:Failed:"
			   "gray"),
	FIELD("recordingRequestStatus", FT_SELECT, FF_RDO, "Request Status",
		.dflt = "\"'REQUESTED'\"",
		.options = "REQUESTED:Requested:sky|CANCELED:Canceled:gray"),
	FIELD("applicationId", FT_UUID, FF_NUL | FF_RDO, "Application ID"),
	FIELD("externalBotId", FT_TEXT, FF_NUL | FF_RDO, "External Bot ID"),
	FIELD("externalRecordingId", FT_TEXT, FF_NUL | FF_RDO, "External Recording ID"),
	FIELD("startedAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Started At"),
	FIELD("endedAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Ended At"),
	FIELD("video", FT_FILES, FF_NUL | FF_RDO, "Video", .settings = "{\"maxNumberOfValues\":1}"),
	FIELD("audio", FT_FILES, FF_NUL | FF_RDO, "Audio", .settings = "{\"maxNumberOfValues\":1}"),
	FIELD("transcript", FT_RAW_JSON, FF_NUL | FF_RDO, "Transcript"),
	FIELD("summary", FT_RICH_TEXT, FF_NUL | FF_RDO, "Summary"),
	F_KEPT,
	ONE("calendarEvent", FF_NUL | FF_RDO, "Calendar Event", "calendarEvent"),
};

static const struct field_def calendarEventParticipant_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("handle", FT_TEXT, FF_NUL | FF_RDO, "Handle"),
	FIELD("displayName", FT_TEXT, FF_NUL | FF_RDO, "Display Name"),
	FIELD("isOrganizer", FT_BOOLEAN, FF_RDO, "Is Organizer", .dflt = "false"),
	FIELD("responseStatus", FT_SELECT, FF_RDO, "Response Status", .dflt = "\"'NEEDS_ACTION'\"",
		.options = "NEEDS_ACTION:Needs "
			   "Action:orange|DECLINED:Declined:red|TENTATIVE:Tentative:yellow|"
			   "ACCEPTED:Accepted:green"),
	ONE("calendarEvent", FF_RDO | FF_CAS, "Event ID", "calendarEvent"),
	ONE("person", FF_NUL | FF_RDO, "Person", "person"),
	ONE("workspaceMember", FF_NUL | FF_RDO, "Workspace Member", "workspaceMember"),
};

static const struct field_def workflowRun_fields[] = {
	F_LIFE,
	F_NAME_RDO,
	FIELD("enqueuedAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Workflow run enqueued at"),
	FIELD("startedAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Workflow run started at"),
	FIELD("endedAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Workflow run ended at"),
	FIELD("status", FT_SELECT, FF_RDO, "Workflow run status", .dflt = "\"'NOT_STARTED'\"",
		.options = "NOT_STARTED:Not "
			   "started:gray|RUNNING:Running:yellow|COMPLETED:Completed:green|FAILED:"
			   "Failed:red|ENQUEUED:Enqueued:blue|STOPPING:Stopping:orange|STOPPED:"
			   "Stopped:gray"),
	FIELD("createdBy", FT_ACTOR, FF_SYS | FF_RDO, "Executed by", .dflt = ACTOR_SYSTEM),
	F_UPDATED_BY,
	FIELD("state", FT_RAW_JSON, FF_RDO, "State"),
	FIELD("stepLogs", FT_RAW_JSON, FF_NUL | FF_SYS | FF_RDO, "Step logs"),
	F_POSITION_RDO,
	F_SEARCH_VECTOR_RDO,
	MANY("timelineActivities", FF_RDO, "Timeline Activities", "timelineActivity",
		"targetWorkflowRun"),
	ONE("workflow", FF_RDO | FF_CAS, "Workflow", "workflow"),
	ONE("workflowVersion", FF_RDO, "Workflow version", "workflowVersion"),
};

static const struct field_def dashboard_fields[] = {
	F_LIFE,
	FIELD("title", FT_TEXT, FF_NUL | FF_EDI, "Title"),
	F_POSITION,
	FIELD("pageLayoutId", FT_UUID, FF_NUL | FF_RDO, "Page Layout ID"),
	F_CREATED_BY,
	F_UPDATED_BY,
	F_SEARCH_VECTOR,
	MANY("attachments", FF_NUL | FF_EDI, "Attachments", "attachment", "targetDashboard"),
	MANY("timelineActivities", FF_NUL | FF_EDI, "Timeline Activities", "timelineActivity",
		"targetDashboard"),
};

static const struct field_def attachment_fields[] = {
	F_LIFE,
	F_NAME_RDO,
	FIELD("file", FT_FILES, FF_NUL | FF_RDO, "File", .settings = "{\"maxNumberOfValues\":1}"),
	FIELD("fullPath", FT_TEXT, FF_NUL | FF_SYS | FF_RDO, "Full path"),
	FIELD("fileCategory", FT_SELECT, FF_SYS | FF_RDO, "File category", .dflt = "\"'OTHER'\"",
		.options = "ARCHIVE:Archive:gray|AUDIO:Audio:pink|IMAGE:Image:yellow|PRESENTATION:"
			   "Presentation:orange|SPREADSHEET:Spreadsheet:turquoise|TEXT_DOCUMENT:"
			   "Text Document:blue|VIDEO:Video:purple|OTHER:Other:gray"),
	F_KEPT,
	TARGET("Task", FF_NUL | FF_RDO, "Target", "task"),
	TARGET("Note", FF_NUL | FF_RDO, "Target", "note"),
	TARGET("Person", FF_NUL | FF_RDO | FF_CAS, "Target", "person"),
	TARGET("Company", FF_NUL | FF_RDO | FF_CAS, "Target", "company"),
	TARGET("Opportunity", FF_NUL | FF_RDO | FF_CAS, "Target", "opportunity"),
	TARGET("Dashboard", FF_NUL | FF_RDO | FF_CAS, "Target", "dashboard"),
	TARGET("Workflow", FF_NUL | FF_RDO | FF_CAS, "Target", "workflow"),
	F_CUSTOM_TARGETS,
};

static const struct field_def messageListMember_fields[] = {
	F_LIFE,
	F_KEPT,
	ONE("list", FF_EDI | FF_CAS, "List", "messageList"),
	ONE("person", FF_EDI | FF_CAS, "Person", "person"),
};

static const struct field_def message_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("headerMessageId", FT_TEXT, FF_NUL | FF_RDO, "Header message Id"),
	FIELD("subject", FT_TEXT, FF_NUL | FF_RDO, "Subject"),
	FIELD("text", FT_TEXT, FF_NUL | FF_RDO, "Text"),
	FIELD("receivedAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Received At"),
	FIELD("deliveryStatus", FT_SELECT, FF_NUL | FF_RDO, "Delivery status",
		.options = "QUEUED:Queued:gray|SENT:Sent:green|FAILED:Failed:red|BOUNCED:Bounced:"
			   "orange|COMPLAINED:Complained:purple|SKIPPED:Skipped:yellow"),
	FIELD("isDraft", FT_BOOLEAN, FF_RDO, "Is draft", .dflt = "false"),
	ONE("messageCampaign", FF_NUL | FF_RDO, "Campaign", "messageCampaign"),
	ONE("messageThread", FF_NUL | FF_RDO | FF_CAS, "Message Thread Id", "messageThread"),
	MANY("messageParticipants", FF_NUL | FF_RDO, "Message Participants", "messageParticipant",
		"message"),
	MANY("messageChannelMessageAssociations", FF_NUL | FF_RDO, "Message Channel Association",
		"messageChannelMessageAssociation", "message"),
};

static const struct field_def workflowVersion_fields[] = {
	F_LIFE,
	F_CREATED_BY,
	F_UPDATED_BY,
	F_NAME_RDO,
	FIELD("trigger", FT_RAW_JSON, FF_NUL | FF_RDO, "Version trigger"),
	FIELD("steps", FT_RAW_JSON, FF_NUL | FF_RDO, "Version steps"),
	FIELD("status", FT_SELECT, FF_RDO, "Version status", .dflt = "\"'DRAFT'\"",
		.options = "DRAFT:Draft:yellow|ACTIVE:Active:green|DEACTIVATED:Deactivated:orange|"
			   "ARCHIVED:Archived:gray"),
	F_POSITION_RDO,
	F_SEARCH_VECTOR_RDO,
	MANY("timelineActivities", FF_RDO, "Timeline Activities", "timelineActivity",
		"targetWorkflowVersion"),
	ONE("workflow", FF_NUL | FF_RDO | FF_CAS, "Workflow", "workflow"),
	MANY("runs", FF_NUL | FF_RDO, "Runs", "workflowRun", "workflowVersion"),
};

static const struct field_def workflowAutomatedTrigger_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("type", FT_SELECT, FF_RDO, "Automated Trigger Type", .dflt = "\"'DATABASE_EVENT'\"",
		.options = "DATABASE_EVENT:Database Event:green|CRON:Cron:blue"),
	FIELD("settings", FT_RAW_JSON, FF_RDO, "Settings"),
	ONE("workflow", FF_RDO | FF_CAS, "Workflow", "workflow"),
};

static const struct field_def messageChannelMessageAssociationMessageFolder_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("messageFolderId", FT_UUID, FF_RDO, "Message Folder"),
	ONE("messageChannelMessageAssociation", FF_RDO | FF_CAS,
		"Message Channel Message Association", "messageChannelMessageAssociation"),
};

static const struct field_def calendarChannelEventAssociation_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("eventExternalId", FT_TEXT, FF_NUL | FF_RDO, "Event external ID"),
	FIELD("recurringEventExternalId", FT_TEXT, FF_NUL | FF_RDO, "Recurring Event ID"),
	FIELD("calendarChannelId", FT_UUID, FF_RDO, "Channel ID"),
	ONE("calendarEvent", FF_RDO | FF_CAS, "Event ID", "calendarEvent"),
};

static const struct field_def messageCampaign_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("subject", FT_TEXT, FF_NUL | FF_RDO, "Subject"),
	FIELD("bodyTemplate", FT_TEXT, FF_NUL | FF_RDO, "Body"),
	FIELD("fromAddress", FT_EMAILS, FF_NUL | FF_RDO, "From address",
		.settings = "{\"maxNumberOfValues\":1}"),
	FIELD("status", FT_SELECT, FF_RDO, "Status", .dflt = "\"'DRAFT'\"",
		.options = "DRAFT:Draft:gray|SCHEDULED:Scheduled:blue|SENDING:Sending:yellow|SENT:"
			   "Sent:green|SENT_WITH_ERRORS:Sent with errors:orange"),
	FIELD("sentAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Sent at"),
	FIELD("sentCount", FT_NUMBER, FF_RDO, "Sent count", .dflt = "0"),
	FIELD("failedCount", FT_NUMBER, FF_RDO, "Failed count", .dflt = "0"),
	FIELD("bouncedCount", FT_NUMBER, FF_RDO, "Bounced count", .dflt = "0"),
	FIELD("complainedCount", FT_NUMBER, FF_RDO, "Complained count", .dflt = "0"),
	FIELD("unsubscribeTopicId", FT_UUID, FF_NUL | FF_RDO, "Unsubscribe topic id"),
	ONE("list", FF_NUL | FF_RDO, "List", "messageList"),
	MANY("timelineActivities", FF_NUL | FF_EDI, "Events", "timelineActivity",
		"targetMessageCampaign"),
	MANY("messages", FF_NUL | FF_RDO, "Messages", "message", "messageCampaign"),
	MANY("recipients", FF_NUL | FF_RDO, "Recipients", "messageParticipant", "messageCampaign"),
};

static const struct field_def messageThread_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("subject", FT_TEXT, FF_NUL | FF_RDO, "Subject"),
	MANY("messages", FF_NUL | FF_RDO, "Messages", "message", "messageThread"),
	MANY("messageChannelMessageAssociations", FF_NUL | FF_RDO, "Message Channel Association",
		"messageChannelMessageAssociation", "messageThread"),
};

static const struct field_def calendarEvent_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("title", FT_TEXT, FF_NUL | FF_RDO, "Title"),
	FIELD("isCanceled", FT_BOOLEAN, FF_RDO, "Is canceled", .dflt = "false"),
	FIELD("isFullDay", FT_BOOLEAN, FF_RDO, "Is Full Day", .dflt = "false"),
	FIELD("startsAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Start Date"),
	FIELD("endsAt", FT_DATE_TIME, FF_NUL | FF_RDO, "End Date"),
	FIELD("externalCreatedAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Creation DateTime"),
	FIELD("externalUpdatedAt", FT_DATE_TIME, FF_NUL | FF_RDO, "Update DateTime"),
	FIELD("description", FT_TEXT, FF_NUL | FF_RDO, "Description",
		.settings = "{\"displayedMaxRows\":99}"),
	FIELD("location", FT_TEXT, FF_NUL | FF_RDO, "Location"),
	FIELD("iCalUid", FT_TEXT, FF_NUL | FF_RDO, "iCal UID"),
	FIELD("conferenceSolution", FT_TEXT, FF_NUL | FF_RDO, "Conference Solution"),
	FIELD("conferenceLink", FT_LINKS, FF_NUL | FF_RDO, "Meet Link"),
	MANY("calendarChannelEventAssociations", FF_RDO, "Calendar Channel Event Associations",
		"calendarChannelEventAssociation", "calendarEvent"),
	MANY("calendarEventParticipants", FF_RDO, "Event Participants", "calendarEventParticipant",
		"calendarEvent"),
	MANY("callRecordings", FF_RDO, "Call Recordings", "callRecording", "calendarEvent"),
};

static const struct field_def blocklist_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("handle", FT_TEXT, FF_NUL | FF_RDO, "Handle"),
	ONE("workspaceMember", FF_RDO, "WorkspaceMember", "workspaceMember"),
};

static const struct field_def messageParticipant_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("role", FT_SELECT, FF_RDO, "Role", .dflt = "\"'FROM'\"",
		.options = "FROM:From:green|TO:To:blue|CC:Cc:orange|BCC:Bcc:red|REPLY_TO:Reply "
			   "To:purple"),
	FIELD("handle", FT_TEXT, FF_NUL | FF_RDO, "Handle"),
	FIELD("displayName", FT_TEXT, FF_NUL | FF_RDO, "Display Name"),
	ONE("messageCampaign", FF_NUL | FF_RDO, "Campaign", "messageCampaign"),
	ONE("message", FF_RDO | FF_CAS, "Message", "message"),
	ONE("person", FF_NUL | FF_RDO, "Person", "person"),
	ONE("workspaceMember", FF_NUL | FF_RDO, "Workspace Member", "workspaceMember"),
};

static const struct field_def messageChannelMessageAssociation_fields[] = {
	F_LIFE,
	F_KEPT,
	FIELD("messageExternalId", FT_TEXT, FF_NUL | FF_RDO, "Message External Id"),
	FIELD("messageThreadExternalId", FT_TEXT, FF_NUL | FF_RDO, "Thread External Id"),
	FIELD("direction", FT_SELECT, FF_RDO, "Direction", .dflt = "\"'INCOMING'\"",
		.options = "INCOMING:Incoming:green|OUTGOING:Outgoing:blue"),
	FIELD("messageChannelId", FT_UUID, FF_NUL | FF_RDO, "Message Channel Id"),
	ONE("message", FF_NUL | FF_RDO | FF_CAS, "Message Id", "message"),
	ONE("messageThread", FF_NUL | FF_RDO | FF_CAS, "Message Thread Id", "messageThread"),
	MANY("messageFolders", FF_NUL | FF_RDO, "Message Folders",
		"messageChannelMessageAssociationMessageFolder",
		"messageChannelMessageAssociation"),
};

static const struct field_def messageList_fields[] = {
	F_LIFE,
	F_CREATED_BY,
	F_UPDATED_BY,
	F_POSITION,
	F_NAME,
	F_SEARCH_VECTOR,
	MANY("campaigns", FF_NUL | FF_RDO, "Campaigns", "messageCampaign", "list"),
	MANY("members", FF_NUL | FF_EDI, "Members", "messageListMember", "list"),
	MANY("timelineActivities", FF_NUL | FF_EDI, "Events", "timelineActivity",
		"targetMessageList"),
};

static const struct field_def workflow_fields[] = {
	F_LIFE,
	F_NAME,
	FIELD("lastPublishedVersionId", FT_TEXT, FF_NUL | FF_RDO, "Last published Version Id"),
	FIELD("statuses", FT_MULTI_SELECT, FF_NUL | FF_RDO, "Statuses",
		.options = "DRAFT:Draft:yellow|ACTIVE:Active:green|DEACTIVATED:Deactivated:gray"),
	F_SHOWN,
	MANY("attachments", FF_EDI, "Attachments", "attachment", "targetWorkflow"),
	MANY("timelineActivities", FF_EDI, "Timeline Activities", "timelineActivity",
		"targetWorkflow"),
	MANY("versions", FF_RDO, "Versions", "workflowVersion", "workflow"),
	MANY("runs", FF_RDO, "Runs", "workflowRun", "workflow"),
	MANY("automatedTriggers", FF_RDO, "Automated Triggers", "workflowAutomatedTrigger",
		"workflow"),
};

const struct object_def schema_plumbing[] = {
	OBJECT("timelineActivity", "timelineActivities", "f2339e95-df52-42d4-88f6-230236331d74",
		"Timeline Activity", "Timeline Activities", OF_SYSTEM | OF_EDITABLE,
		timelineActivity_fields),
	OBJECT("callRecording", "callRecordings", "ea7ce93a-d1b0-4e29-a046-625296a3ea25",
		"Call Recording", "Call Recordings", OF_SYSTEM | OF_EDITABLE, callRecording_fields),
	OBJECT("calendarEventParticipant", "calendarEventParticipants",
		"db217984-75c4-47bb-9a81-b9cc5f748946", "Calendar event participant",
		"Calendar event participants", OF_SYSTEM | OF_EDITABLE,
		calendarEventParticipant_fields),
	OBJECT("workflowRun", "workflowRuns", "b34c909f-6e8a-4497-b118-8c9100ea0acd",
		"Workflow Run", "Workflow Runs", OF_SYSTEM | OF_EDITABLE, workflowRun_fields),
	OBJECT("dashboard", "dashboards", "ad298b02-bafb-4040-a0fe-19eabe6c248d", "Dashboard",
		"Dashboards", OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, dashboard_fields,
		.shortcut = "D"),
	OBJECT("attachment", "attachments", "9c736b97-e0cf-4067-9224-a44245afc57a", "Attachment",
		"Attachments", OF_SYSTEM | OF_EDITABLE, attachment_fields),
	OBJECT("messageListMember", "messageListMembers", "9333a6a3-a403-4238-b118-13637d6ff10a",
		"List Member", "List Members", OF_SYSTEM | OF_EDITABLE | OF_CREATABLE,
		messageListMember_fields),
	OBJECT("message", "messages", "89b4473a-811c-4a6d-a1f7-012066e20069", "Message", "Messages",
		OF_SYSTEM | OF_EDITABLE, message_fields),
	OBJECT("workflowVersion", "workflowVersions", "7f846532-dd36-44ab-aca3-9aa05a539e61",
		"Workflow Version", "Workflow Versions", OF_SYSTEM | OF_EDITABLE,
		workflowVersion_fields),
	OBJECT("workflowAutomatedTrigger", "workflowAutomatedTriggers",
		"7c00f99b-4a38-4e75-a3e2-8a6796af95b5", "Workflow Automated Trigger",
		"Workflow Automated Triggers", OF_SYSTEM | OF_EDITABLE,
		workflowAutomatedTrigger_fields),
	OBJECT("messageChannelMessageAssociationMessageFolder",
		"messageChannelMessageAssociationMessageFolders",
		"75864159-e656-40b9-a0b4-a8321070d797",
		"Message Channel Message Association Message Folder",
		"Message Channel Message Association Message Folders", OF_SYSTEM | OF_EDITABLE,
		messageChannelMessageAssociationMessageFolder_fields),
	OBJECT("calendarChannelEventAssociation", "calendarChannelEventAssociations",
		"6c9cc825-1531-453b-9b03-08a549dc2373", "Calendar Channel Event Association",
		"Calendar Channel Event Associations", OF_SYSTEM | OF_EDITABLE,
		calendarChannelEventAssociation_fields),
	OBJECT("messageCampaign", "messageCampaigns", "5e6de073-a7e8-4e46-81ac-278a2e99a253",
		"Campaign", "Campaigns", OF_SYSTEM | OF_EDITABLE, messageCampaign_fields),
	OBJECT("messageThread", "messageThreads", "572f34e6-d411-4969-b5d6-a46cf1025df3",
		"Message Thread", "Message Threads", OF_SYSTEM | OF_EDITABLE, messageThread_fields),
	OBJECT("calendarEvent", "calendarEvents", "4b47d0af-1e16-49e2-94cd-f513f2d30bfe",
		"Calendar event", "Calendar events", OF_SYSTEM | OF_EDITABLE, calendarEvent_fields),
	OBJECT("blocklist", "blocklists", "3ebe38c7-aa28-4782-acbf-e9dbd0e18ebe", "Blocklist",
		"Blocklists", OF_SYSTEM | OF_EDITABLE, blocklist_fields),
	OBJECT("messageParticipant", "messageParticipants", "3d4b676b-0a2a-4ae2-9f9e-8b4e836d6d04",
		"Message Participant", "Message Participants", OF_SYSTEM | OF_EDITABLE,
		messageParticipant_fields),
	OBJECT("messageChannelMessageAssociation", "messageChannelMessageAssociations",
		"23a62bc6-20c0-49cb-8bda-e0e18b2bca12", "Message Channel Message Association",
		"Message Channel Message Associations", OF_SYSTEM | OF_EDITABLE,
		messageChannelMessageAssociation_fields),
	OBJECT("messageList", "messageLists", "1a408e27-0abb-4064-9d2f-c1cb28e9eef4", "List",
		"Lists", OF_SYSTEM | OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE,
		messageList_fields),
	OBJECT("workflow", "workflows", "0448cdd6-e689-4ee1-bb05-d3c070b5fca5", "Workflow",
		"Workflows", OF_EDITABLE | OF_CREATABLE | OF_SEARCHABLE, workflow_fields,
		.shortcut = "W"),
};

const unsigned schema_plumbing_n = sizeof(schema_plumbing) / sizeof(schema_plumbing[0]);
