rule "broken" { on = "person.creatd", run = function(event) end }
