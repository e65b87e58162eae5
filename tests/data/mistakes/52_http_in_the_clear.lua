-- line 5, host: add it: http = { allow = { "http://api.example.com:8080" } }
rule "tell the neighbour" {
  on = "person.created",
  run = function(event)
    http.post("http://api.example.com:8080/people/" .. event.record.id, { json = { id = event.record.id } })
  end,
}
