-- SPDX-License-Identifier: MIT
-- "Forget me": a task with this title erases the person that it is about, and all copies.
rule "erasure requests" {
	on = { "task.created", "task.updated" },
	when = all { changed { status = { to = "DONE" } }, is { title = { startsWith = "Erase" } } },
	echo = false,
	max_writes = "20/h",
	run = function(event)
		local task = event.record
		local people = {}
		for target in twenty.taskTargets:each { where = { taskId = task.id }, limit = 10 } do
			if target.targetPersonId then
				people[#people + 1] = target.targetPersonId
			end
		end
		if #people ~= 1 then
			reject("the task is about " .. #people .. " people")
		end
		local person = twenty.people:get(people[1], { depth = 0, fields = { "id", "emails" } })
		if not person then skip "gone already" end
		local others = twenty.people:count { where = { email = need(person.email, "email") } }
		if others > 1 then
			reject "several people have this address"
		end
		for _, note in ipairs((twenty.noteTargets:list { where = { targetPersonId = person.id }, limit = 200 })) do
			twenty.notes:delete(note.noteId)
		end
		twenty.people:erase(person.id)
	end,
}
