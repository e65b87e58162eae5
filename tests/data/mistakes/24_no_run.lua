-- line 2, missing: run
rule "x" {
	on = "person.created",
}
