module tenantmail/sandbox/pause

go 1.24.0
