# Nomad's jobs of stage.
nomad_address    = "http://localhost:4646"
glass_docker_tag = "0" # written by npm run deploy:stage
